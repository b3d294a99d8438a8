(map :name (list {"name" "ada"}))
