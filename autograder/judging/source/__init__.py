"""Sources: of answers as they are read, as they are laid into notebooks, as they are compared."""
