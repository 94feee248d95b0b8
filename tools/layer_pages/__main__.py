"""Write docs/layers."""

from __future__ import annotations

from tools.layer_pages import FOLDER, pages


def main() -> None:
    """Write every page and remove what is none."""
    FOLDER.mkdir(exist_ok=True)
    content = pages()
    for name, text in content.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for file in FOLDER.glob("*.md"):
        if file.name not in content:
            file.unlink()
    print(f"{len(content)} pages in {FOLDER}")


if __name__ == "__main__":
    main()
