"""Which lines are headings."""

from rag.ingest.headings import headings


def titles(text: str) -> list[str]:
    return [heading.title for heading in headings(text)]


def test_marks_and_underlines_make_headings() -> None:
    assert titles("# One\n\n### Two ###\n\nThree\n-----\n\n=====\nFour\n=====\n") == ["One", "Two", "Three", "Four"]


def test_a_sharp_that_belongs_to_the_title_stays() -> None:
    assert titles("## About C#") == ["About C#"]


def test_tags_tables_lists_and_indented_code_are_no_headings() -> None:
    assert titles("#hashtag\n\n| a |\n|---|\n\n- item\n---\n\n    # code\n\n####### seven") == []


def test_code_in_fences_has_no_headings_even_when_the_fence_stays_open() -> None:
    assert titles("# A\n```sh\n# b\n```\n# C\n~~~~\n# d\n~~~\n# e\n~~~~\n# F\n```\n# g") == ["A", "C", "F"]


def test_a_span_covers_the_headings_own_lines() -> None:
    text = "x\n\nTitle\n=====\ny"
    (heading,) = headings(text)
    assert text[heading.start : heading.end] == "Title\n====="


def test_marks_that_close_a_heading_are_no_part_of_it() -> None:
    assert titles("# A ##\t \n## ##\n# B # #\n# C #d\n#\t E\n#  \n") == ["A", "##", "B #", "C #d", "E"]
