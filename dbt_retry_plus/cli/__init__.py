"""The click commands, one file each: they parse, call and print."""
