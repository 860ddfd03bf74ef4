"""What people do. Each module holds the behaviours of one part of the work, and importing it registers them."""
