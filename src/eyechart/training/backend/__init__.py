"""The engine: an epoch as one compiled program over data on the device, once for TensorFlow and once for JAX."""
