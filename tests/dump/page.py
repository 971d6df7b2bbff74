# SPDX-License-Identifier: MIT
"""page.py FILE: reads a page of sfshm-dump --html as a browser would, and
prints what it has, a line for each: "title TEXT", "h2 TEXT", "row CELL|CELL",
"tip TEXT", "odd WHAT" for anything that could run or load something."""
import html.parser
import sys

VOID = {'meta', 'br', 'line'}
# Left open at the end of their text, as HTML allows.
OPEN = {'li', 'td', 'th', 'tr', 'thead', 'tbody'}
KNOWN = VOID | OPEN | set(
    'html head title style body header main section h1 h2 h3 p div strong'
    ' small em meter figure figcaption span i b table details summary ol svg'
    ' rect circle text'.split())
ATTRIBUTES = set(
    'lang charset http-equiv content name class style min max high value'
    ' viewbox role aria-label x y x1 x2 y1 y2 cx cy r rx width height'
    ' text-anchor'.split())


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.stack = []
        self.text = {}
        self.cells = []

    def handle_starttag(self, tag, attrs):
        if tag not in KNOWN:
            print('odd tag', tag)
        for name, value in attrs:
            if name not in ATTRIBUTES:
                print('odd attribute', name, value)
            elif name == 'style' and not value.startswith('width:'):
                print('odd style', value)
        if tag == 'tr':
            self.row_end()
        elif tag in ('td', 'th'):
            self.cells.append('')
        if tag not in VOID and tag not in OPEN:
            self.stack.append(tag)
            self.text[tag] = ''

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        if tag in OPEN:
            self.row_end()
            return
        if not self.stack or self.stack.pop() != tag:
            print('odd end', tag)
        if tag in ('title', 'h1', 'h2', 'h3'):
            kind = 'tip' if 'svg' in self.stack else tag
            print(kind, ' '.join(self.text[tag].split()))

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data
        elif self.stack:
            self.text[self.stack[-1]] += data

    def row_end(self):
        if self.cells:
            print('row', '|'.join(' '.join(c.split()) for c in self.cells))
        self.cells = []

    def handle_comment(self, data):
        print('odd comment', data)

    def handle_pi(self, data):
        print('odd instruction', data)


with open(sys.argv[1], encoding='utf-8') as file:
    text = file.read()
page = Page()
page.feed(text)
page.close()
if page.stack:
    print('odd: left open', page.stack)
for word in ('://', 'url(', '@import'):
    if word in text:
        print('odd word', word)
