"""The options that the benchmarks share."""

import argparse


def seconds(text):
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not a time of up to an hour")
    return value


def count(text):
    value = int(text)
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to 1000")
    return value


def parser(name, quick, usual):
    """`quick` and `usual` are rounds, seconds and the budget for repetitions, with --quick and
    without. The latter may depend on the rest: None."""
    made = argparse.ArgumentParser(prog=name, add_help=False, usage=f"{name} --help",
                                   allow_abbrev=False)
    made.set_defaults(quick_values=quick, usual_values=usual)
    made.add_argument("--quick", action="store_true")
    made.add_argument("--rounds", "--turns", type=count)
    made.add_argument("--seconds", type=seconds)
    made.add_argument("--budget", type=seconds)
    made.add_argument("--check-options", action="store_true")
    made.add_argument("--programs")
    made.add_argument("--sluiced")
    return made


def parse(made, arguments):
    """The options, with what was not given filled in. Ends the program with 64 if one is wrong."""
    made.error = lambda message: made.exit(64, f"{made.prog}: {message}\n")
    options = made.parse_args(arguments)
    values = options.quick_values if options.quick else options.usual_values
    for name, value in zip(("rounds", "seconds", "budget"), values, strict=True):
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options
