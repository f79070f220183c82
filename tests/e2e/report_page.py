"""Checks a report's page: report_page.py PAGE NAME RUN...: the form of the file, that NAME is
escaped wherever it stands, and that each run's numbers are those of its result.json. Prints how
many figures, pictures, tables and cards there are."""
import html
import html.parser
import json
import os
import re
import sys
import urllib.parse

VOID = {"meta", "img", "link", "br", "path", "line", "circle", "input"}


class Node:
    def __init__(self, tag, attrs, parent):
        self.tag, self.attrs, self.parent = tag, dict(attrs), parent
        self.inside, self.words = [], []

    def all(self, tag):
        for node in self.inside:
            if node.tag == tag:
                yield node
            yield from node.all(tag)

    def first(self, tag):
        return next(self.all(tag), None)

    def text(self):
        return " ".join("".join(w if isinstance(w, str) else w.text() for w in self.words).split())


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.root = self.at = Node("", [], None)
        self.feed(text)
        self.close()
        assert self.at is self.root, self.at.tag

    def handle_starttag(self, tag, attrs):
        node = Node(tag, attrs, self.at)
        self.at.inside.append(node)
        self.at.words.append(node)
        if tag not in VOID:
            self.at = node

    def handle_startendtag(self, tag, attrs):
        self.at.inside.append(Node(tag, attrs, self.at))

    def handle_endtag(self, tag):
        assert self.at.tag == tag, (tag, self.at.tag)
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.words.append(data)


def check_addresses(page, text, where):
    assert "://" not in re.sub(r"base64,[A-Za-z0-9+/=]*", "", text), "an address"
    scripts = list(page.root.all("script"))
    assert len(scripts) == 1 and not scripts[0].attrs, "not one script of its own"
    for node in everything(page.root):
        for key, value in node.attrs.items():
            assert not key.startswith("on"), key
            if key == "src":
                assert value.startswith("data:image/jpeg;base64,"), value[:60]
            if key == "href" and not value.startswith("#"):
                assert not urllib.parse.urlparse(value).scheme, value
                assert os.path.isdir(os.path.join(where, urllib.parse.unquote(value))), value


def everything(node):
    for child in node.inside:
        yield child
        yield from everything(child)


def check_access(page):
    root = page.root
    assert root.first("html").attrs["lang"] == "en" and root.first("title").text()
    ids = [n.attrs["id"] for n in everything(root) if "id" in n.attrs]
    assert len(ids) == len(set(ids)), "an id twice"
    levels = [int(n.tag[1]) for n in everything(root) if re.fullmatch("h[1-6]", n.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(levels, levels[1:])), "a heading's level is left out"
    for table in root.all("table"):
        assert table.first("caption").text(), "a table without a caption"
        assert all(th.attrs.get("scope") in ("col", "row") for th in table.all("th"))
        heads = len(table.first("thead").first("tr").inside)
        assert all(len(tr.inside) == heads for tr in table.all("tr")), "a row of another length"
    for svg in root.all("svg"):
        if svg.attrs.get("role") == "img":
            assert svg.first("title").text() and svg.first("desc").text(), "a chart without words"
        else:
            assert svg.attrs.get("aria-hidden") == "true"
    for figure in root.all("figure"):
        lines = [g for g in figure.all("g") if g.attrs.get("class", "").startswith("series")]
        if figure.attrs["class"] == "chart":
            assert len(list(figure.first("ul").all("li"))) == len(lines) > 0, "another legend"
    assert all(img.attrs.get("alt") for img in root.all("img"))


def luminance(colour):
    x = [c / 255 for c in colour]
    x = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in x]
    return 0.2126 * x[0] + 0.7152 * x[1] + 0.0722 * x[2]


def contrast(a, b):
    a, b = sorted((luminance(a), luminance(b)))
    return (b + 0.05) / (a + 0.05)


def colour(text):
    if "," in text:
        return [int(c) for c in text.split(",")]
    digits = text[1:] if len(text) == 7 else "".join(2 * c for c in text[1:])
    return [int(digits[i:i + 2], 16) for i in (0, 2, 4)]


def check_colours(page):
    schemes = re.findall(r":root \{(.*?)\}", page.root.first("style").text())
    assert len(schemes) == 2
    for scheme in schemes:
        c = {k: colour(v) for k, v in re.findall(r"--(\w+): ([^;]*);", scheme)}
        shaded = [0.75 * h + 0.25 * p for h, p in zip(c["heat"], c["paper"])]
        assert contrast(c["ink"], shaded) >= 4.5, "the matrix"
        for behind in c["paper"], c["tint"]:
            for k in range(8):
                assert contrast(c[f"k{k}"], behind) >= 3, (k, behind)
            assert min(contrast(c[t], behind) for t in ("ink", "soft", "k1")) >= 4.5, behind


def check_numbers(page, runs):
    rows = {}
    for table in page.root.all("table"):
        if table.attrs.get("class") != "runs":
            continue
        heads = [th.text() for th in table.first("thead").all("th")]
        for tr in table.first("tbody").all("tr"):
            row = dict(zip(heads, (cell.text() for cell in tr.inside)))
            rows[row["Directory"]] = row
    assert set(rows) == set(runs), rows
    for run in runs:
        with open(os.path.join(run, "result.json"), encoding="utf-8") as f:
            result = json.load(f)
        row = rows[run]
        assert row["Test accuracy, %"] == f"{100 * result['test_accuracy']:.2f}", row
        assert row["Weights' hash"] == result["weight_hash"][:12], row
    for table in page.root.all("table"):
        if not table.first("caption").text().startswith("Accuracy on"):
            continue
        for tr in table.first("tbody").all("tr"):
            name, n, test = (cell.text() for cell in tr.inside[:3])
            own = [float(r["Test accuracy, %"]) for r in rows.values() if r["Method"] == name]
            assert len(own) == int(n), (name, own)
            assert abs(float(test.split()[0]) - sum(own) / len(own)) < 0.011, (name, own)


def main():
    path, odd, runs = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(path, encoding="utf-8") as f:
        text = f.read()
    page = Page(text)
    check_addresses(page, text, os.path.dirname(path))
    check_access(page)
    check_colours(page)
    check_numbers(page, runs)
    escaped = html.escape(odd).replace("&#x27;", "&#39;")
    assert escaped in text and odd not in text and "b>&" not in text, "escapes"
    count = {t: len(list(page.root.all(t))) for t in ("figure", "img", "table", "article")}
    print(*count.values())


main()
