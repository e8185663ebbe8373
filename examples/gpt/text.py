"""The text that is trained on: the language reference that `help()` of every CPython shows.

It is part of the standard library (`pydoc_data/topics.py`, about 460,000 characters of English;
on Debian in the package libpython3.11-stdlib), so nothing is downloaded.
"""

import collections
import math
import pydoc_data.topics


def read_text():
    topics = pydoc_data.topics.topics
    return "\n".join(topics[name] for name in sorted(topics))


def vocabulary_of(text):
    return "".join(sorted(set(text)))


def encode(text, vocabulary):
    number = {character: i for i, character in enumerate(vocabulary)}
    return [number[character] for character in text if character in number]


def decode(ids, vocabulary):
    return "".join(vocabulary[i] for i in ids)


def unigram_entropy(text):
    """Nats a character: the loss of the best model that knows only how often each one occurs."""
    counts = collections.Counter(text)
    return -sum(n / len(text) * math.log(n / len(text)) for n in counts.values())
