import pytest

from stream.synth import SceneConfig


def test_knobs_come_from_json():
    config = SceneConfig.from_json('{"held": 1, "covered": [0.4, 0.6], "cards": [3, 9]}')
    assert (config.held, config.covered, config.cards) == (1, (0.4, 0.6), (3, 9))
    assert SceneConfig.from_json("{}") == SceneConfig()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"hold": 1}', "hold; near it are .*held"),
        ('{"xyzzy": 1}', "xyzzy; near it are "),
        ('{"held": [0, 1]}', "held must be a number"),
        ('{"held": true}', "held must be a number"),
        ('{"held": 2}', "held must be a probability"),
        ('{"extent": 1}', "extent must be two numbers"),
        ('{"extent": [NaN, 0.5]}', "extent must be .low, high."),
        ('{"poker": 0, "bridge": 0, "tarot": 0, "jumbo": 0, "mini": 0}', "one of poker, bridge"),
        ('{"extent": [0.1, "a"]}', "extent must be two numbers"),
        ('{"cards": [1.5, 3]}', "cards must be two whole numbers"),
        ('{"cards": [9, 3]}', "cards must be .low, high."),
        ("[1]", "JSON object, got list"),
        ("{held", "JSON object: "),
    ],
)
def test_what_is_no_knob_is_named(text, says):
    with pytest.raises(ValueError, match=says):
        SceneConfig.from_json(text)
