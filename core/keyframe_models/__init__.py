"""Image inpainting models that paint keyframes; a video model carries what they painted."""
