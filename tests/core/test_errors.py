from dnaf.core.errors import one_line


def test_another_library_s_message_becomes_one_short_line_of_printable_characters() -> None:
    assert one_line(ValueError("a\n  b\x1b[31m\u202ec\u2028d")) == "a b [31m c d"
    assert one_line("größer: 人物") == "größer: 人物"
    assert len(one_line("x" * 6100)) == 200
