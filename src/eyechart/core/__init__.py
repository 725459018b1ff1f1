"""What every room uses: errors, files, paths, configuration schemas, the terminal."""
