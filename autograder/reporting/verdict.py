from autograder.judging import Verdict


def verdict_html(verdict: Verdict, *, local: bool) -> str:
    return f"<pre>{verdict_text(verdict, local=local)}</pre>"


def verdict_text(verdict: Verdict, *, local: bool) -> str:
    return f"{verdict.reason} {verdict.score} {verdict.explanation} {verdict.findings}"
