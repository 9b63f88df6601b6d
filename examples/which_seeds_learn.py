"""Which starting weights learn XOR, and at which learning rate? ``python which_seeds_learn.py``"""

import numpy as np

from fastxor import train_many, xor

X, y = xor()
rates = np.geomspace(0.01, 100, 9)
runs = train_many(X, y, seed=np.arange(1000), learning_rate=rates[:, None], stop_when_solved=True)

for rate, row in zip(rates, runs, strict=True):
    learned = row[row.solved_at >= 0]
    epochs = f"after {np.median(learned.solved_at):,.0f} epochs, " if len(learned) else ""
    seeds = learned.settings.seed[:8].tolist()
    print(f"learning rate {rate:7.3f}: {len(learned) / 1000:6.1%} {epochs}first {seeds}")
