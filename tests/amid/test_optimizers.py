"""amid_optimizer: who updates what."""

import contextlib

import keras
import numpy as np
import pytest
import tiny

import keras_amid as ka

GROUPS = ("main", "fundamental_discriminator", "enhanced_discriminator")
X, Y = tiny.data(8)


def group_of(path):
    return next((name for name in GROUPS[1:] if f"{name}/" in path), "main")


def rates(*three):
    return [keras.optimizers.SGD(rate, name=f"sgd_{i}") for i, rate in enumerate(three)]


def held_by(optimizers, variables):
    """Names of the variables that each optimizer updates once all three are one."""
    ka.amid_optimizer(*optimizers).build(variables)
    # With momentum, SGD keeps one variable for each that it updates, named after that one.
    ends = "_momentum"
    names = [[v.name for v in o.variables if v.name.endswith(ends)] for o in optimizers]
    return [{name.removesuffix(ends) for name in group} for group in names]


def with_momentum():
    return [keras.optimizers.SGD(0.1, momentum=0.9) for _ in range(3)]


@pytest.mark.parametrize("name", ["amid", "fundamental_discriminator"])
def test_every_variable_is_in_its_group(name):
    model = tiny.amid(name=name, train_auxiliary=True)
    names = {group: set() for group in GROUPS}
    for variable in model.trainable_variables:
        names[group_of(variable.path)].add(variable.path.replace("/", "_"))
    assert held_by(with_momentum(), model.trainable_variables) == list(names.values())
    assert [len(group) for group in names.values()][1:] == [2 * 5, 2 * 3]


def test_groups_are_found_within_other_models_and_by_whole_names():
    scopes = [
        ("study", "fundamental_discriminator"),
        ("study", "enhanced_discriminator", "dense"),
        ("study", "my_fundamental_discriminator"),
        ("enhanced_discriminator_2",),
    ]
    variables = []
    for i, names in enumerate(scopes):
        with contextlib.ExitStack() as stack:
            for name in names:
                stack.enter_context(keras.name_scope(name))
            variables.append(keras.Variable(np.zeros(2, "float32"), name=f"kernel_{i}"))
    main, first, second = held_by(with_momentum(), variables)
    assert {name[-1] for name in first} == {"0"}
    assert {name[-1] for name in second} == {"1"}
    assert {name[-1] for name in main} == {"2", "3"}


@pytest.mark.parametrize("still", range(3))
def test_learning_rates_act_on_their_group_only(still):
    model = tiny.amid()
    three = rates(*(0.0 if i == still else 0.1 for i in range(3)))
    model.compile(optimizer=ka.amid_optimizer(*three), **tiny.FEW_STEPS)
    before = tiny.weights(model)
    y = np.array([0, 0, 1, 1, 2, 2, 0, 1])
    model.train_on_batch(X, y)
    moved = {group: [] for group in GROUPS}
    after = tiny.weights(model)
    for variable in model.trainable_variables:
        path = variable.path
        moved[group_of(path)].append(not np.array_equal(before[path], after[path]))
    assert not any(moved[GROUPS[still]])
    assert all(any(moved[group]) for i, group in enumerate(GROUPS) if i != still)


def test_wrong_optimizers_are_refused():
    main, first, second = rates(0.1, 0.1, 0.1)
    with pytest.raises(ValueError, match="`discriminator_2` must be a keras.*received 'sgd'"):
        ka.amid_optimizer(main, first, "sgd")
    with pytest.raises(ValueError, match="`main` must be a keras.*received None"):
        ka.amid_optimizer(None, first, second)
    with pytest.raises(ValueError, match="three optimizer objects.*twice"):
        ka.amid_optimizer(main, first, first)


def test_a_single_optimizer_updates_every_group():
    model = tiny.amid()
    model.compile(optimizer=keras.optimizers.Adam(0.01), **tiny.FEW_STEPS)
    before = tiny.weights(model)
    model.train_on_batch(X, np.array([0, 0, 1, 1, 2, 2, 0, 1]))
    after = tiny.weights(model)
    moved = {group_of(p) for p in before if not np.array_equal(before[p], after[p])}
    assert moved == set(GROUPS)


def test_mixed_precision_scales_the_loss_of_all_three():
    keras.config.set_dtype_policy("mixed_float16")
    model = tiny.amid()
    model.compile(optimizer=tiny.adam(), **tiny.FEW_STEPS)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    before = tiny.weights(model)
    for _ in range(8):  # the first steps may overflow: then the scale comes down
        model.train_on_batch(X, np.array([0, 0, 1, 1, 2, 2, 0, 1]))
    after = tiny.weights(model)
    assert all(np.isfinite(w).all() for w in after.values())
    moved = {group_of(v.path) for v in model.trainable_variables
             if not np.array_equal(before[v.path], after[v.path])}  # fmt: skip
    assert moved == set(GROUPS)


def test_weights_are_saved_and_restored():
    def trained(steps):
        model = tiny.amid()
        tiny.set_weights_from_seed(model)
        model.compile(optimizer=tiny.adam(), **tiny.FEW_STEPS)
        for _ in range(steps):
            model.train_on_batch(X, Y)
        return model.optimizer

    optimizer, fresh = trained(2), trained(1)
    saved = {}
    optimizer.save_own_variables(saved)
    fresh.load_own_variables(saved)
    arrays = [[v.numpy() for v in o.variables] for o in (optimizer, fresh)]
    assert len(arrays[0]) == len(arrays[1]) > 2 * 26
    assert all(np.array_equal(a, b) for a, b in zip(*arrays, strict=True))
