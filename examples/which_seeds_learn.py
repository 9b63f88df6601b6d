"""Which starting weights learn XOR, and at which learning rate? ``python which_seeds_learn.py``"""

from fastxor import train, xor

X, y = xor()
SEEDS = range(200)

for learning_rate in (0.1, 0.5, 2.5):
    runs = [train(X, y, seed=seed, learning_rate=learning_rate) for seed in SEEDS]
    learned = [run.settings.seed for run in runs if (run.network.predict(X) == y).all()]
    share = len(learned) / len(SEEDS)
    print(f"learning rate {learning_rate}: {share:.0%} of {len(SEEDS)} seeds, first {learned[:8]}")
