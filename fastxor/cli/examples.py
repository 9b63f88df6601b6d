"""Examples of each command, the end of its ``--help``."""

EXAMPLES = {
    "train": """examples:
  fastxor train --hidden-size 4 --save xor.npz
  fastxor train --data iris.csv --targets species --hidden-size 8 \\
      --output softmax --loss log_loss --reduction mean
  grep -v '#' data.csv | fastxor train --data - --targets 2 --json""",
    "compare": """examples:
  fastxor compare --seed 7 --momentum 0.9 --dtype float32
  fastxor compare --hidden-size 16,16 --activation tanh --output identity \\
      --no-bias --init he --learning-rate 0.01 --epochs 100""",
    "seeds": """examples:
  fastxor seeds --count 1000 --learning-rate 0.1 1 10
  fastxor seeds --problem parity --hidden-size 8,8 --activation relu,tanh \\
      --init he --count 256 --save runs.npz
  fastxor seeds --count 100 --json | python -m json.tool""",
    "map": """examples:
  fastxor map --figure 3 figure-3.png
  fastxor map --hidden-size 4,4 --x learning-rate=0.1:10:log \\
      --y "W3[0,0]=-3:3" --epochs 500 --size 100 map.png
  fastxor map --figure 26 --size 50 --movie zoom.gif --zoom-to 2.5,0.75 \\
      --frames 5""",
    "export": """examples:
  fastxor train --seed 43 --save xor.npz && \\
      fastxor export xor.npz xor.c --name xor
  fastxor export xor.npz xor.onnx""",
    "bench": """examples:
  fastxor bench
  fastxor bench --json speed.json && python -m fastxor.report speed.json""",
}
