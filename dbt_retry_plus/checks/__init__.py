"""What a retry is checked for before it runs: plugins like any other, through the hooks that others have."""
