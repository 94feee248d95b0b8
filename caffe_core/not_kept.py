"""NotKept: what a user sees of a blob whose content is gone after a pass."""

from __future__ import annotations

from typing import Any, cast

from caffe_core.blob import Blob
from caffe_core.errors import CaffeError


class NotKept:
    """A blob whose data or diff shares memory with others: it has a shape, but its values are gone.

    Args:
        name: The blob's name, for the message.
        blob: The blob.
        data: Whether its data is gone.
        diff: Whether its diff is gone.
    """

    def __init__(self, name: str, blob: Blob, data: bool, diff: bool):
        self._name, self._blob = name, blob
        self._gone = {
            *(("data", "read", "overwrite", "data_tensor") if data else ()),
            *(("diff", "diff_tensor") if diff else ()),
        }

    @classmethod
    def view(cls, name: str, blob: Blob, *, data: bool, diff: bool) -> Blob:
        """Return the view, which serves wherever a blob does."""
        return cast(Blob, cls(name, blob, data, diff))

    def __repr__(self) -> str:
        return f"{self._blob!r}, not kept"

    def __getattr__(self, attribute: str) -> Any:
        if attribute in self._gone:
            what = "diff" if attribute.startswith("diff") else "data"
            raise CaffeError(
                f"the {what} of blob {self._name!r} was not kept: its memory serves other blobs. "
                f"Build the net with keep=[{self._name!r}], or with keep=None to keep every blob"
            )
        return getattr(self._blob, attribute)
