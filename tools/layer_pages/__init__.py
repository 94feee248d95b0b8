"""The pages of docs/layers: one for each layer type of this tree, made from its source.

``make docs`` writes them. A test makes them again and compares.
"""

from __future__ import annotations

from tools.layer_pages.index import index
from tools.layer_pages.page import page
from tools.layer_pages.tree import FOLDER, layer_types

__all__ = ["FOLDER", "pages"]


def pages() -> dict[str, str]:
    """Return the content of each file of docs/layers, by name.

    Raises:
        PluginError: A layer of the tree is not installed; ``make setup`` installs it.
    """
    types = layer_types()
    return {"README.md": index(types)} | {f"{name}.md": page(name, types) for name in types}
