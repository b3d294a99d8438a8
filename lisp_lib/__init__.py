"""The LisPy library, written in LisPy; read as data, never imported for code."""
