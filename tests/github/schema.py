#!/usr/bin/env python3
"""Drops the second definition of a field from GitHub's GraphQL schema, which is not valid with it: schema.py IN OUT."""
import re
import sys

DESCRIPTION = re.compile(r'"""[\s\S]*?"""')


def without_doubles(text):
    """The schema with each field of a type once."""
    kept, seen = [], set()
    # Types and their fields have an empty line between them; arguments, which are indented deeper, belong to their field.
    for piece in re.split(r"\n\n(?=(?:  )?\S)", text):
        if not piece.startswith("  "):
            seen = set()
        fields = set(re.findall(r"^  (\w+)[(:]", DESCRIPTION.sub("", piece), re.M))
        if fields and fields <= seen:
            # The last field of a type stands before its end.
            piece = "}" if piece.endswith("\n}") else None
        seen |= fields
        if piece:
            kept.append(piece)
    return "\n\n".join(kept)


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        text = file.read()
    with open(target, "w", encoding="utf-8") as file:
        file.write(without_doubles(text))


if __name__ == "__main__":
    main()
