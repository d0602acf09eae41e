"""Training: pictures and their keypoints in, a model file that describes itself out."""
