"""Image data sets: found, verified, prepared, and handed out as slices.

`sources` gets bytes, `formats` makes arrays of them, `fetch` tries places until the right content is found, `prepare`
writes it as arrays, and `dataset` is all that the rest of Eyechart sees. The programs that fetch and prepare import
`fetch` and `prepare` from their modules.
"""

from eyechart.data.dataset import Dataset, Slice, Splits, as_found, names_of, open_dataset
from eyechart.data.integrity import verify_all

__all__ = ["Dataset", "Slice", "Splits", "as_found", "names_of", "open_dataset", "verify_all"]
