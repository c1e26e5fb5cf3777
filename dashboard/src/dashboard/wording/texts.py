"""Texts that people chose, such as names of columns, shown as they are and never as Markdown or HTML."""

import re

# No more than needed, as screen readers are told the label of a field with its escapes.
MEANS_SOMETHING = re.compile(r"([\\`*\[\]<>#|~:$&!]|(?<![^\W_])_|_(?![^\W_])|^[-+=])")
BEGINS_A_LIST = re.compile(r"^(\d+)([.)])")
# Browsers would be given a link for these even where every sign is escaped; a joiner of no width prevents it.
BEGINS_A_LINK = re.compile(r"(@|:(?=//)|www(?=\.))", re.IGNORECASE)


def plain(text: object) -> str:
    """For places that read Markdown: nothing in the text has a meaning."""
    one_line = " ".join(str(text).split())
    escaped = MEANS_SOMETHING.sub(r"\\\1", BEGINS_A_LINK.sub("\\1\u2060", one_line))
    return BEGINS_A_LIST.sub(r"\1\\\2", escaped)
