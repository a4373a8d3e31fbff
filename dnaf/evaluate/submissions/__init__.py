"""What others hand in: method cards, archives of result images, their names, keypoints."""
