"""What every module uses and what uses none: errors, files, parameters, images, seeds, workers."""
