"""What counting words reaches on the quickstart rows, to compare nano with.

Run `python -m tools.nano.baseline`; it needs scikit-learn.
"""

import json
import statistics

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from .evaluate import split
from .transfer_tasks import routing_rows
from .tuning import Row


def baseline(rows: list[Row]) -> list[float]:
    """Test accuracy of TF-IDF and logistic regression on the splits that nano is measured on."""
    scores = []
    for seed in range(5):
        train, test = split(rows, seed)
        weights = TfidfVectorizer(sublinear_tf=True)
        model = make_pipeline(weights, LogisticRegression(C=10, max_iter=1_000))
        model.fit([row["input_text"] for row in train], [row["output_text"] for row in train])
        right = [row["output_text"] for row in test]
        scores.append(round(model.score([row["input_text"] for row in test], right), 3))
    return scores


if __name__ == "__main__":
    found = baseline(routing_rows())
    print(json.dumps({"mean": round(statistics.mean(found), 3), "scores": found}))
