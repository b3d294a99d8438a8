(guard (e ((symbol? e) 1))
  (raise 'boom))
