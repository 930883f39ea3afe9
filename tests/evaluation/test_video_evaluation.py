import keras
import numpy as np
import pytest
import tiny

from keras_amid.evaluation.videos import predict_videos

VIDEO_OF = np.array([0, 0, 0, 2, 2, 1, 5, 5])  # as the pipeline gives them: in order, or not
LABEL_OF = {0: 1, 1: 0, 2: 2, 5: 2}


@pytest.fixture(scope="module")
def model():
    model = tiny.amid(num_classes=3, dim=4)
    model.compile(optimizer=tiny.sgd(), **tiny.FEW_STEPS)
    return model


def windows(batch=3, modalities=("video", "audio")):
    x, _ = tiny.data(len(VIDEO_OF))
    for start in range(0, len(VIDEO_OF), batch):
        rows = slice(start, start + batch)
        index = VIDEO_OF[rows]
        labels = np.array([LABEL_OF[i] for i in index])
        yield {**{m: x[m][rows] for m in modalities}, "index": index}, labels


def test_equals_a_loop_over_the_windows(model):
    x, _ = tiny.data(len(VIDEO_OF))
    student = model.student.predict({"video": x["video"]}, verbose=0)
    result = predict_videos(model, windows())
    assert list(result.index) == [0, 1, 2, 5]
    assert list(result.labels) == [1, 0, 2, 2]
    assert list(result.windows) == [3, 1, 2, 2]
    hits = []
    for row, video in enumerate(result.index):
        of = [i for i, v in enumerate(VIDEO_OF) if v == video]
        softmax = sum(student["probabilities"][i] for i in of) / len(of)
        np.testing.assert_allclose(result.probabilities[row], softmax, atol=1e-6)
        mean = sum(student["representation"][i] for i in of) / len(of)
        np.testing.assert_allclose(result.representations[row], mean, atol=1e-5)
        hits.append(softmax.argmax() == LABEL_OF[video])
    assert result.top_1() == np.mean(hits)


def test_the_teacher_is_averaged_where_the_data_have_its_modalities(model):
    x, _ = tiny.data(len(VIDEO_OF))
    logits = np.asarray(keras.ops.convert_to_numpy(model(x)["teacher_logits"]))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    softmax = powers / powers.sum(axis=1, keepdims=True)
    result = predict_videos(model, windows())
    np.testing.assert_allclose(
        result.teacher_probabilities[0], softmax[VIDEO_OF == 0].mean(axis=0), atol=1e-6
    )
    expected = np.mean([softmax[VIDEO_OF == v].mean(0).argmax() == LABEL_OF[v] for v in LABEL_OF])
    assert result.teacher_top_1() == expected
    alone = predict_videos(model, windows(modalities=("video",)))
    assert alone.teacher_probabilities is None and alone.teacher_top_1() is None
    np.testing.assert_allclose(alone.probabilities, result.probabilities, atol=1e-6)


def test_teacher_figures_are_over_the_videos_that_lack_nothing(model):
    lacking = np.isin(np.arange(len(VIDEO_OF)), (1, 5))  # of the videos 0 and 1
    (x, y), *_ = windows(len(VIDEO_OF))
    result = predict_videos(model, [({**x, "present": {"audio": ~lacking}}, y)])
    whole = predict_videos(model, [(x, y)])
    assert result.complete.tolist() == [False, False, True, True]
    np.testing.assert_allclose(
        result.teacher_probabilities[2:], whole.teacher_probabilities[2:], atol=1e-6
    )
    hits = whole.teacher_probabilities[2:].argmax(axis=1) == result.labels[2:]
    assert result.teacher_top_1() == hits.mean()
    none = predict_videos(model, [({**x, "present": {"audio": lacking & False}}, y)])
    assert none.teacher_probabilities is None and not none.complete.any()
    np.testing.assert_allclose(none.probabilities, whole.probabilities, atol=1e-6)


def test_a_video_split_over_batches_is_one_video(model):
    whole, split = (predict_videos(model, windows(batch)) for batch in (8, 1))
    np.testing.assert_allclose(whole.probabilities, split.probabilities, atol=1e-6)
    np.testing.assert_array_equal(whole.windows, split.windows)


def test_wrong_streams_are_refused(model):
    with pytest.raises(ValueError, match="at least one batch"):
        predict_videos(model, [])
    x, y = next(windows())
    with pytest.raises(ValueError, match="\"index\", the video of each window; received .'audio'"):
        predict_videos(model, [({m: x[m] for m in ("video", "audio")}, y)])
    with pytest.raises(ValueError, match=r"gives video 0 more than one label: \[0, 1\]"):
        predict_videos(model, [({**x, "index": np.zeros(3, int)}, np.array([1, 1, 0]))])
