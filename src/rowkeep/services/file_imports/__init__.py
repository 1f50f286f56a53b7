"""File imports: files that people upload, and their imports into tables."""
