"""How well finished runs detect: what they find on the same canvases, against what lies there."""
