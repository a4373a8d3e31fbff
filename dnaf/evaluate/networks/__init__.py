"""Networks that metrics look through, with torch: Inception, LPIPS, EfficientNet, DINOv2."""
