"""Networks that metrics look through, with torch: Inception, LPIPS, DINOv2."""
