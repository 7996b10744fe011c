"""What a LaTeX engine would stop at in a table: unbalanced groups and environments, cells that do not fit, bare specials."""

from __future__ import annotations

import re

COMMANDS = {  # of the kernel, T1, booktabs and graphicx
    "begin", "end", "centering", "caption", "small", "toprule", "midrule", "bottomrule", "multicolumn", "textbf", "textit",
    "textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar", "textquotedbl", "textasciigrave",
    "pm", "approx", "infty", "downarrow", "uparrow", "rightarrow", "times", "circ", "mu", "ldots", "cdot",
    "par", "smallskip", "linewidth", "scriptsize", "sbox", "ifdim", "wd", "else", "fi", "resizebox", "usebox", "raggedright",
}  # fmt: skip
MATH_ONLY = {"pm", "approx", "infty", "downarrow", "uparrow", "rightarrow", "times", "circ", "mu", "cdot"}
TOKEN = re.compile(r"\\([A-Za-z]+)|\\(.)|(\$)|([{}&#_^~%])|(.)", re.DOTALL)


def complaints(source: str) -> list[str]:
    """What is wrong, in words; empty if a document that has booktabs and T1 can take the source in."""
    body = "\n".join(line for line in source.splitlines() if not line.startswith("%"))
    return [*_characters(body), *_tokens(body), *_environments(body), *_cells(body)]


def _characters(body: str) -> list[str]:
    return [f"'{c}' is neither ASCII nor a letter of Latin-1" for c in body if ord(c) > 127 and not ("À" <= c <= "ÿ")]


def _tokens(body: str) -> list[str]:
    depth, maths, found = 0, False, []
    for command, symbol, dollar, special, _ in TOKEN.findall(body):
        if command and command not in COMMANDS:
            found.append(f"unknown command {command}")
        if command in MATH_ONLY and not maths:
            found.append(f"{command} outside maths")
        if symbol and symbol not in "&%$#_{}\\\n":
            found.append(f"unknown command \\{symbol}")
        maths ^= bool(dollar)
        depth += {"{": 1, "}": -1}.get(special, 0)
        if depth < 0 or (special in ("#", "_", "~", "%") and special) or (special == "^" and not maths):
            found.append(f"bare {special}")
    return found + (["maths is not closed"] if maths else []) + ([f"{depth} braces are open"] if depth else [])


def _environments(body: str) -> list[str]:
    open_, found = [], []
    for verb, name in re.findall(r"\\(begin|end)\{(\w+)\}", body):
        if verb == "begin":
            open_.append(name)
        elif not open_ or open_.pop() != name:
            found.append(f"{name} ends and was not open")
    return found + [f"{name} is open" for name in open_]


def _cells(body: str) -> list[str]:
    """Every line of a tabular has as many cells as there are columns, and none begins with a bracket."""
    found = []
    for specification, rows in re.findall(r"\\begin\{tabular\}\{@\{\}(\w+)@\{\}\}(.*?)\\end\{tabular\}", body, re.DOTALL):
        for line in re.sub(r"\\(top|mid|bottom)rule", "", rows).split("\\\\\n"):
            wide = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", line))
            cells = len(re.findall(r"(?<!\\)&", line)) + 1 + wide
            if line.strip() and cells != len(specification):
                found.append(f"{cells} cells in {len(specification)} columns: {line.strip()}")
            if line.strip().startswith("["):
                found.append(f"a line begins with a bracket: {line.strip()}")
    return found
