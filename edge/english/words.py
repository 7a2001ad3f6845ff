"""English words that carry no subject, and how to find the ones that do.

Lists, not a tagger: they cost nothing on the device. Other languages simply match nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

Rarity = Callable[[str], float]
"""Word -> 0 (common) to 1 (rare)."""

_WORD = re.compile(r"[^\W_]+(?:['’\-.+#&][^\W_]+)*[+#]*")

FUNCTION_WORDS = frozenset(
    """
a about above across actually after again against ago ah all almost alone along already also
although altogether always am amid among amongst an and another any anybody anymore anyone
anything anyway anywhere are aren't around as aside at away back basically be became because
become becomes been before behind being below beneath beside besides between beyond both but by
can can't cannot certain certainly clearly could couldn't currently definitely despite did didn't
directly do does doesn't doing don't done down during each easily eight either eleven else enough
entirely especially essentially etc even eventually ever every everybody everyone everything
everywhere exactly except fairly far few fewer fifteen fifty fifth finally first five for former
forty four fourth from frankly fully further generally gonna gotta had hadn't half hardly has
hasn't have haven't having he he'd he'll he's hence her here here's hers herself hey hi him
himself his honestly hopefully how how's however huge hundred i i'd i'll i'm i've if immediately
in indeed inside instead into is isn't it it'd it'll it's its itself just kinda largely last later
latter least less lest let let's like likely likewise literally little lot lots mainly many may
maybe me meanwhile merely might million mine more moreover most mostly much must mustn't my myself
naturally near nearly necessarily neither never nevertheless next nine no nobody none nonetheless
nor normally not nothing now nowadays nowhere obviously occasionally of off often oh okay ok on
once one ones one's only onto or originally other others otherwise our ours ourselves out outside
over own particularly per perhaps personally possibly potentially precisely presumably pretty
previous previously primarily probably properly quickly quite rarely rather readily really
recently regarding regardless relatively roughly same second secondly seldom seven seventh several
shall she she'd she'll she's should shouldn't similarly simply since six sixth slightly slowly so
some somebody somehow someone something sometimes somewhat somewhere soon specifically still
strictly strongly such suddenly super supposedly sure surely ten than thank thanks that that'd
that'll that's the their theirs them themselves then there there'll there's thereby therefore
these they they'd they'll they're they've third thirty this those though thousand three through
throughout thus till to today together tomorrow tonight too totally toward towards truly twelve
twenty twice two typically ultimately um uh under underneath unfortunately unless unlike unlikely
until unto up upon upward us usually various versus very via was wasn't we we'd we'll we're we've
well were weren't what what'd what'll what're what's whatever when when's whenever where where's
whereas wherever whether which whichever while who who'd who'll who's whoever whole whom whose why
will with within without won't would wouldn't wow yeah year years yes yep yesterday yet you you'd
you'll you're you've your yours yourself yourselves zero mhm hmm huh mm-hmm uh-huh alright
all-right anyways absolutely oops bye hello congrats
""".split()
)

_VERB_STEMS = """
accept achieve act add admit affect afford agree aim allow answer appear apply appreciate argue
arrive ask assume attend avoid begin believe belong bother break bring build buy call care carry
catch cause change check choose claim clean close collect combine come compare complain complete
concern confirm confuse connect consider contain continue contribute convince correct cost cover
create cut deal decide define deliver depend describe deploy deserve determine develop differ
disagree discover discuss do drive drop eat enable encourage end enjoy ensure enter excite exist
expand expect explain explore express extend face fail fall feel figure fill find finish fit fix
focus follow forget gain gather generate get give go grab grow guess handle hang happen hate hear
help hire hit hold hope identify imagine implement improve include increase indicate inspire
intend introduce invite involve join jump keep kill know lack land laugh lead learn leave lend let
lie look lose love maintain make manage matter mean meet mention mind miss move need notice obtain
occur offer open operate order organize own participate pass pay pick plan play point prefer
prepare present pretend prevent produce promise propose prove provide publish pull push put raise
reach read realize receive recognize recommend record reduce refer relate release remain remember
remind remove repeat replace reply represent require return reveal run save say see seem sell send
separate serve set share shift show sit solve sound speak specify spend stand start stay stick
stop struggle study submit succeed suffer suggest suppose surprise take talk teach tell tend think
throw touch treat train trigger trust try turn understand use visit wait walk want waste watch
wish wonder work worry write
""".split()
_IRREGULAR_VERB_FORMS = """
ate began begun bought broke broken brought built came caught chose chosen dealt drew drove fell
felt found forgot forgotten gave given goes gone got gotten grew grown heard held hit kept knew
known laid lay led left lent lost made meant met paid ran said sat saw says seen sent shown sold
spent spoke spoken stood stuck taken taught thought threw thrown told took understood went woke
won wore wrote written does doing dying lying tried tries trying cared
""".split()
_GENERIC_NOUNS = """
amount answer area aspect bit bunch case chance couple course day days deal detail difference
direction end example fact feeling folk folks fun goal guess guest guy guys hand head hour hours
idea ideas instance issue issues item job kind kinds level life line list look lots man matter
meaning mind minute minutes moment moments month months morning name number numbers opinion order
part parts people person perspective piece place places point points position possibility problem
problems question questions reason reasons rest result right role sense set show side sides sort
sorts spot stage start step steps stuff talk terms thing things thought thoughts time times today
ton tons topic topics trouble type types use version view way ways week weeks word words work
world wrong episode podcast podcasts listener listeners audience interview conversation
conversations host link links note notes description everyone stories story kid kids weekend
process mentality curiosity background percent dollars
""".split()
_GENERIC_MODIFIERS = """
able abstract actual additional amazing available aware awesome bad basic beautiful best better
big bigger biggest brief bright broad busy careful cheap clear close closer cold common complete
complex complicated concrete cool correct crazy curious current dead deeper different difficult
dumb early easier easiest easy entire excellent excited exciting extra extreme extremely fair
familiar famous fancy fantastic fascinating fast faster fine free fresh full funny future general
generic given glad good great greater greatest green happy hard harder hardest heavy helpful high
higher highest hot huge important impossible impressive incredible incredibly independent
individual initial interested interesting involved key large larger largest late latest left light
limited long longer low lower main major mere mini minor modern multiple narrow natural necessary
new newer nice normal numerous obvious odd old older open opposite original particular past
perfect possible powerful practical present proper pure quick random rare raw ready real
reasonable recent regular related relevant right robust rough sad safe scared separate serious
short significant similar simple simpler simplest single slow small smaller smallest smart solid
special specific strange strong stupid sudden sufficient suitable super sure surprising terrible
tiny top tough tricky true typical ultimate unique unusual upcoming useful usual valuable vast
weird wide wild wonderful worse worst worth worthwhile wrong young younger afraid alive angry
annoying bored boring challenging comfortable confident confused convenient couple-of effective
efficient favorite hands-on in-depth interest ongoing painful passionate pleased popular quality
scary sexy shared so-called so-so public private please mental physical inclusive diverse
regulatory remote active professional traditional official dirty
""".split()
FILLERS = frozenset("um uh uhm erm ah oh hmm mhm mm huh er eh like literally basically".split())


def _inflected(stem: str) -> set[str]:
    base = stem[:-1] if stem.endswith("e") else stem
    doubled = stem + stem[-1]
    forms = {stem, f"{stem}s", f"{base}ed", f"{base}ing", f"{doubled}ed", f"{doubled}ing"}
    if stem.endswith(("s", "sh", "ch", "x")):
        forms.add(f"{stem}es")
    if stem.endswith("y"):
        forms |= {f"{stem[:-1]}ies", f"{stem[:-1]}ied"}
    return forms


NOUN_LIKE_FORMS = frozenset({"learning", "building", "training", "testing", "writing", "reading"})
"""Verb forms that may stand in a phrase, as in "machine learning"; alone they say nothing."""
VERBS = (
    frozenset(form for stem in _VERB_STEMS for form in _inflected(stem)).union(
        _IRREGULAR_VERB_FORMS
    )
    - NOUN_LIKE_FORMS
)
GENERIC = frozenset(_GENERIC_NOUNS) | frozenset(_GENERIC_MODIFIERS)
PRONOUNS = frozenset(
    "he she it they them him her this that these those its their theirs his hers".split()
)


def words(text: str) -> tuple[str, ...]:
    """Words as they are written, without punctuation around them.

    :param text: Any text.
    """
    return tuple(_WORD.findall(text))


def is_content_word(word: str) -> bool:
    """Whether a word can say what a sentence is about.

    :param word: Any case.
    """
    lowered = word.lower().replace("’", "'")
    return (
        len(lowered) > 1
        and not lowered.isdigit()
        and lowered not in FUNCTION_WORDS
        and lowered not in VERBS
        and lowered not in GENERIC
    )


def stem(word: str) -> str:
    """Lower-case word without a plural or possessive ending: a key to group by.

    :param word: One word.
    """
    lowered = word.lower().replace("’", "'").removesuffix("'s")
    if len(lowered) > 4 and lowered.endswith("ies"):
        return lowered[:-3] + "y"
    if len(lowered) > 3 and lowered.endswith("s") and not lowered.endswith(("ss", "us", "is")):
        return lowered[:-1]
    return lowered


def content_stems(text: str) -> tuple[str, ...]:
    """Stems of the content words of a text, in order, repeats kept.

    :param text: Any text.
    """
    return content_stems_of(words(text))


def content_stems_of(spoken: Iterable[str]) -> tuple[str, ...]:
    """The same of words.

    :param spoken: As ``words`` gives them.
    """
    return tuple(stem(word) for word in spoken if is_content_word(word))


def phrases(*alternatives: str) -> re.Pattern[str]:
    """A pattern that finds any of some phrases, case aside, at a word's beginning.

    :param alternatives: Regular expressions.
    """
    return re.compile(rf"\b(?:{'|'.join(alternatives)})", re.I)
