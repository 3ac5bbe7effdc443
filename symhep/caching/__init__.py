"""What outlives the process: graphs and programs as bytes, in files under content hashes."""
