"""`python -m genai_basics` is `genai-basics`."""

from genai_basics.cli.main import cli

if __name__ == "__main__":
    cli(prog_name="genai-basics")
