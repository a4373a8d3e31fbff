"""What DNAF adds to a UNet: pose adapter, appearance blocks and noise-aware attention."""
