"""Rows leave a region's file: of who was erased or withdrew consent; and the file is written anew."""
