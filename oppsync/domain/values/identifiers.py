"""One normal form for each kind of identifier, wherever two of them are compared.

A normal form is for comparing only; it is never stored, shown or sent. People and systems keep their own
spelling.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

from stdnum.util import clean

# Legal forms are left out of names: they do not tell one company from another.
_LEGAL_FORMS = frozenset(
    [
        "ab",
        "ag",
        "aps",
        "as",
        "bv",
        "co",
        "company",
        "corp",
        "corporation",
        "eu",
        "ev",
        "gmbh",
        "inc",
        "incorporated",
        "kg",
        "kgaa",
        "limited",
        "llc",
        "llp",
        "ltd",
        "mbh",
        "nv",
        "oy",
        "oyj",
        "plc",
        "pty",
        "pvt",
        "sa",
        "sam",
        "sarl",
        "sas",
        "se",
        "sl",
        "slu",
        "spa",
        "sro",
        "srl",
        "ug",
        "ohg",
    ]
)
# "Copy of Portal relaunch", "Portal relaunch (Kopie)".
_OF_COPIES = frozenset({"clone", "cloned", "copy", "copie", "kopie", "of", "von", "de"})
# Two names that are at least this similar count as one name in two spellings.
_ALIKE = 0.8
# A CRM id of 15 characters may be followed by 3 that only check them; without them capitals count.
_CHECKED_ID = re.compile(r"([A-Za-z0-9]{15})[A-Z0-5]{3}")
_SWISS_TAX_ID = re.compile(r"(CHE[0-9]{9})(MWST|TVA|IVA|TPV)")
_OLD_BELGIAN_TAX_ID = re.compile(r"BE[0-9]{9}")
# Besides controls and format characters (Cc, Cf): what Unicode calls Default_Ignorable_Code_Point, which fonts
# show as nothing, and the empty braille pattern, which looks like a space.
_SHOWN_AS_NOTHING = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
# Joiners and variants after a letter of a script that is not written without them, such as Persian or Japanese.
_WRITTEN_WITH = re.compile(
    "(?<=[\u0600-\u1dff\u2100-\U0010ffff])[\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
# A top-level domain that never receives mail (RFC 2606); a CRM's sandboxes append it to addresses.
_SANDBOX_SUFFIX = ".invalid"


def customer_code_key(code: str) -> str:
    """The code in NFKC, without invisible characters and surrounding space; capital letters do not count."""
    return _seen(code).casefold()


def tax_id_key(tax_id: str) -> str:
    """Without the space, dots, hyphens and slashes that make it easier to read; capital letters do not
    count."""
    return str(clean(_seen(tax_id), " -./,")).upper()


def is_same_tax_id(one: str, other: str) -> bool:
    """Whether two tax ids are one number, also where only one of them begins with its country."""
    first, second = tax_id_key(one), tax_id_key(other)
    if not (first and second):
        return False
    if not first[:2].isalpha() and second[:2].isalpha():
        first = second[:2] + first
    elif first[:2].isalpha() and not second[:2].isalpha():
        second = first[:2] + second
    return _in_full(first) == _in_full(second)


def national_number(tax_id: str) -> str:
    """The tax id's normal form without the two letters of its country, where it begins with them, and without
    what else people leave out."""
    key = _in_full(tax_id_key(tax_id))
    return key[2:] if key[:2].isalpha() else key


def email_key(address: str) -> str:
    """The mailbox of an address, to recognise a person whom a rule bars: without `+tag`, sandbox suffix,
    trailing dot and capital letters."""
    local, _, domain = _seen(address).casefold().rpartition("@")
    domain = domain.rstrip(".").removesuffix(_SANDBOX_SUFFIX).rstrip(".")
    return f"{local.partition('+')[0]}@{domain}"


def crm_user_key(user_id: str) -> str:
    """Which user of a CRM it is, to bar a person: an id with its check characters is the one without them."""
    seen = _seen(user_id)
    checked = _CHECKED_ID.fullmatch(seen)
    return checked[1] if checked else seen


def purchase_order_key(number: str) -> str:
    """Letters and digits only, without the `PO` that some write before it; capital letters do not count."""
    return "".join(sign for sign in _seen(number).casefold() if sign.isalnum()).removeprefix("po")


def words_key(text: str) -> str:
    """Of a deal's or a product's name: its words, without punctuation and without what a CRM adds to a copy."""
    words = re.sub(r"[^\w\s]", " ", _seen(text).casefold()).split()
    return " ".join([word for word in words if word not in _OF_COPIES] or words)


def name_key(name: str) -> str:
    """The words of a company's name, without accents, punctuation and its legal form."""
    words = re.sub(r"[^\w\s]", "", without_accents(_seen(name)).casefold()).split()
    return " ".join([word for word in words if word not in _LEGAL_FORMS] or words)


def names_are_alike(one: str, other: str) -> bool:
    """Whether two company names may be of one company: the same words, or nearly the same letters."""
    first, second = name_key(one), name_key(other)
    if not (first and second):  # `!!!` has no word, so nothing in it is like another name
        return _seen(one).casefold() == _seen(other).casefold()
    if set(first.split()) <= set(second.split()) or set(second.split()) <= set(first.split()):
        return True
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= _ALIKE


def invisible_characters(text: str) -> tuple[str, ...]:
    """The invisible characters of `text`, each as people can look it up: `U+200B ZERO WIDTH SPACE`."""
    unseen = dict.fromkeys(sign for sign in text if _is_invisible(sign))
    return tuple(f"U+{ord(sign):04X} {_called(sign)}" for sign in unseen)


def invisible_in_name(name: str) -> tuple[str, ...]:
    """The invisible characters that no language needs in `name`, as `invisible_characters` says them."""
    return invisible_characters(_WRITTEN_WITH.sub("", name))


def without_invisible(text: str) -> str:
    return "".join(sign for sign in text if not _is_invisible(sign))


def without_accents(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def _in_full(key: str) -> str:
    """Greek tax ids begin with EL; Belgian ones had nine digits and have a zero before them now; Swiss ones say
    the tax in one of the country's languages."""
    if key.startswith("EL"):
        return f"GR{key[2:]}"
    if swiss := _SWISS_TAX_ID.fullmatch(key):
        return swiss[1]
    return f"BE0{key[2:]}" if _OLD_BELGIAN_TAX_ID.fullmatch(key) else key


def _seen(text: str) -> str:
    return without_invisible(unicodedata.normalize("NFKC", text)).strip()


def _is_invisible(sign: str) -> bool:
    return unicodedata.category(sign) in ("Cf", "Cc") or _SHOWN_AS_NOTHING.match(sign) is not None


def _called(sign: str) -> str:
    other = "CONTROL CHARACTER" if unicodedata.category(sign) == "Cc" else "UNNAMED CHARACTER"
    return unicodedata.name(sign, other)
