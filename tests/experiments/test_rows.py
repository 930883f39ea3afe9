import keras
import numpy as np
import pytest

import keras_amid as ka
from keras_amid.experiments import rows, runs

LABELS = np.array([0, 1, 2, 0, 1, 2])


def extractors():
    return tuple(
        {name: keras.Sequential([keras.Input((size,)), keras.layers.Dense(4)])}
        for name, size in (("video", 5), ("audio", 3))
    )


def build(name, **changed):
    settings = rows.Settings(3, 4, warmup_epochs=7, train_labels=LABELS, **changed)
    return rows.build(name, *extractors(), settings)


#: Row -> class, what its config holds, and warm-up and smoothing of its schedule.
EXPECTED = {
    "student alone": (ka.StudentOnly, {}, None),
    "teacher alone": (ka.TeacherOnly, {}, None),
    "auxiliary alone": (ka.StudentOnly, {}, None),
    "two-step pseudo-labels": (ka.StudentOnly, {"semi_supervised": False}, None),
    "contrast, no teacher": (ka.StudentContrast, {"contrastive_weight": 1.0}, None),
    "CRD": (ka.CRD, {"contrastive_weight": 0.8, "train_labels": LABELS.tolist()}, None),
    "CRCD": (
        ka.CRCD,
        {"contrastive_weight": 1.0, "kl_weight": 0.9, "train_labels": LABELS.tolist()},
        None,
    ),
    "GMC": (ka.GMC, {"contrastive_weight": 1.0, "per_modality": True}, None),
    "CCL": (ka.CCL, {"contrastive_weight": 1.0, "per_modality": True}, None),
    "AMID": (
        ka.AMID,
        {
            "temperature": 0.5, "mi_student_weight": 4.0, "mi_auxiliary_weight": 1.6,
            "adversarial_weight": 1.0, "contrastive_loss": "mutual_information",
            "use_enhanced_discriminator": True, "detach_teacher": False,
        },
        (7, 0.9),
    ),
    "MIs": (ka.AMID, {"mi_auxiliary_weight": 0.0, "adversarial_weight": 0.0}, (7, 0.9)),
    "MIs+MIa": (ka.AMID, {"mi_auxiliary_weight": 1.6, "adversarial_weight": 0.0}, (7, 0.9)),
    "AMID with NCE": (ka.AMID, {"contrastive_loss": "noise_contrastive"}, (7, 0.9)),
    "no warm-up": (ka.AMID, {"adversarial_weight": 1.0}, (0, 0.9)),
    "no D2": (ka.AMID, {"use_enhanced_discriminator": False}, (7, 0.9)),
    "uniform lambda": (ka.AMID, {"adversarial_weight": 1.0}, (7, 1.0)),
    "M detached": (ka.AMID, {"detach_teacher": True}, (7, 0.9)),
    "direct AMID": (ka.DirectAMID, {"direct_weight": 4.0, "direct_temperature": 0.2}, (7, 0.9)),
    "CCL + KL": (
        ka.CCL, {"contrastive_weight": 1.0, "kl_weight": 1.0, "kl_temperature": 2.0}, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_each_row_is_its_method_with_its_arguments(name):
    model, callbacks = build(name)
    kind, arguments, schedule = EXPECTED[name]
    assert type(model) is kind
    config = model.get_config()
    assert {key: config[key] for key in arguments} == arguments
    further = [c for c in callbacks if not isinstance(c, ka.AMIDSchedule)]
    assert [c.last for c in further] == ([0.04] if name == "CRCD" else [])
    amid = [c for c in callbacks if c not in further]
    assert [(c.warmup_epochs, c.smoothing) for c in amid] == ([schedule] if schedule else [])


def test_fixed_teacher_is_the_one_given():
    teacher, _ = build("teacher alone")
    model, _ = build("fixed teacher", fixed_teacher=teacher)
    assert model.fixed_teacher is teacher.teacher
    assert rows.find("fixed teacher").needs_teacher and not rows.find("AMID").needs_teacher
    assert set(EXPECTED) | {"fixed teacher"} == set(rows.ROWS)


def test_the_auxiliary_alone_stands_in_the_targets_place_frozen_as_elsewhere():
    for trained in (False, True):
        model, _ = build("auxiliary alone", train_auxiliary=trained)
        assert list(model.target_extractors) == ["audio"] and model.auxiliary_extractors == {}
        assert model.target_extractors["audio"].trainable == trained
    row = rows.find("auxiliary alone")
    assert row.uses_auxiliary and not row.has_student
    figures = {"student top-1": 1.0, "student WA": 2.0, "per class": [1.0]}
    assert runs.taught(row, figures) == {"auxiliary top-1": 1.0, "auxiliary WA": 2.0}


def test_labels_that_are_missing_are_told_to_every_method():
    for name in ("student alone", "AMID", "auxiliary alone"):
        assert build(name, semi_supervised=True)[0].semi_supervised


def test_a_compared_methods_own_weight_is_scaled_from_its_default():
    assert build("CRD", weight_scale=0.5)[0].contrastive_weight == 0.4
    assert build("AMID", weight_scale=0.5)[0].mi_student_weight == 4.0


def test_what_a_row_needs_is_asked_for():
    assert [name for name, row in rows.ROWS.items() if row.needs_index] == ["CRD", "CRCD"]
    with pytest.raises(ValueError, match=r"`settings` must have \['fixed_teacher'\] for the row"):
        build("fixed teacher")
    with pytest.raises(ValueError, match="`row` must be a Row or one of .* received 'amid'"):
        build("amid")


def test_discriminators_get_optimizers_of_their_own():
    main = keras.optimizers.SGD(0.5)
    model, _ = build("AMID")
    rows.compile_model(model, main, discriminator_rate=0.25)
    rates = [float(optimizer.learning_rate) for optimizer in model.optimizer.optimizers]
    assert sorted(rates) == [0.25, 0.25, 0.5]
    model, _ = build("CCL")
    rows.compile_model(model, main, discriminator_rate=0.25)
    assert model.optimizer is main


def test_a_row_of_ones_own_is_an_argument():
    class Mine(ka.StudentOnly):
        pass

    row = rows.Row(Mine, arguments={"negative_slope": 0.5})
    model, callbacks = build(row)
    assert type(model) is Mine and model.negative_slope == 0.5 and callbacks == []
