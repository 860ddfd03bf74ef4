"""What `spheres doctor` finds: each check sees the thing broken that it is about."""
