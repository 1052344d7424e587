"""The pages in Chinese and Japanese: code, headings and links are those of the English pages."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.zh-CN.md": "README.md",
    "README.ja.md": "README.md",
    "docs/zh/start.md": "docs/start.md",
    "docs/zh/book.md": "docs/book.md",
    "docs/zh/backpropagation.md": "docs/chapters/backpropagation.md",
}
MORE = {"README.zh-CN.md": ["## 十个最常见的错误"]}
"""Headings that a page has in addition."""

BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ .*", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s#]+)")
CJK, MARKS = "[\u3041-\u30ff\u3400-\u9fff]", "[，。；：、（）！？]"
TOUCHING = re.compile(rf"{CJK}[A-Za-z0-9]|[A-Za-z0-9%]{CJK}|{CJK} {CJK}|{MARKS} (?!\|)|\w {MARKS}|[^\n|]\n(?={CJK})")
"""No space between Chinese and other letters, a space beside a full-width mark, a line broken within a paragraph."""

of_a_page = pytest.mark.parametrize("page", PAGES)


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def goals(page: str) -> list[str]:
    """The pages, pictures and addresses that a page links to, each as the English page that it stands for."""
    folder = (ROOT / page).parent
    found = []
    for link in LINK.findall(BLOCK.sub("", read(page))):
        name = link if "://" in link else os.path.relpath(folder / link, ROOT)
        name = Path(link).name if link.endswith(".svg") else name  # a page may draw its own, beside it
        found.append(PAGES.get(name, name))
    return sorted(set(found) - {"README.md"})


@of_a_page
def test_its_code_is_that_of_the_english_page(page: str) -> None:
    english = BLOCK.findall(read(PAGES[page]))
    assert len(english) >= 2
    assert BLOCK.findall(read(page)) == english


@of_a_page
def test_its_headings_are_those_of_the_english_page(page: str) -> None:
    own = [line for line in HEADING.findall(BLOCK.sub("", read(page))) if line not in MORE.get(page, [])]
    levels = [line.partition(" ")[0] for line in HEADING.findall(BLOCK.sub("", read(PAGES[page])))]
    assert [line.partition(" ")[0] for line in own] == levels


@of_a_page
def test_its_links_are_those_of_the_english_page(page: str) -> None:
    own, english = set(goals(page)), set(goals(PAGES[page]))
    assert english - own == set()
    assert own - english <= {"docs/book.md", "docs/chapters/backpropagation.md"}


@of_a_page
def test_its_lists_and_tables_have_the_rows_of_the_english_page(page: str) -> None:
    def rows(text: str) -> list[str]:
        return [line[0] for line in BLOCK.sub("", text).splitlines() if line.startswith(("- ", "| "))]

    text = read(page)
    for heading in MORE.get(page, []):
        text = text.partition(heading)[0]
    assert rows(text) == rows(read(PAGES[page]))


@of_a_page
def test_a_space_stands_between_its_letters_and_none_beside_full_width_punctuation(page: str) -> None:
    bare = re.sub(r"`[^`]*`", "x", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", BLOCK.sub("", read(page))))
    wrong = [found[0] for found in TOUCHING.finditer(bare)]
    assert wrong == []


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "README.ja.md"])
def test_the_readmes_name_each_other(page: str) -> None:
    line = read(page).splitlines()[2]
    for name, text in (("README.md", "English"), ("README.zh-CN.md", "中文"), ("README.ja.md", "日本語")):
        assert (f"[{text}]({name})" in line) == (name != page)
        assert text in line


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (
            "README.zh-CN.md",
            ("误差反向传播", "计算图", "乘法层", "仿射变换", "梯度确认", "数值微分", "学习率", "损失函数"),
        ),
        ("docs/zh/book.md", ("权重", "识别精度", "随机数", "神经元")),
        (
            "docs/zh/backpropagation.md",
            ("链式法则", "局部导数", "上游", "加法节点", "仿射变换", "交叉熵误差", "梯度确认"),
        ),
        ("README.ja.md", ("誤差逆伝播法", "計算グラフ", "レイヤ", "勾配確認", "数値微分", "活性化関数")),
    ],
)
def test_it_speaks_in_the_words_of_the_book(page: str, words: tuple[str, ...]) -> None:
    assert [word for word in words if word not in read(page)] == []
