"""From a raw data set to what training reads; the store, preparing and loading serve all rooms."""
