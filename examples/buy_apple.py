"""Two apples at 100 each and 10 % tax: the price, and how it depends on each (the book, section 5.4.1).

Prints 220, then the derivatives 2.2 of the apple's price, 110 of their number, 200 of the tax.
"""

import argparse

from xpnet.layers import MulLayer

argparse.ArgumentParser(description=__doc__).parse_args()  # it takes nothing but --help

apple, apple_num, tax = 100, 2, 1.1

mul_apple_layer = MulLayer()
mul_tax_layer = MulLayer()

# forward
apple_price = mul_apple_layer.forward(apple, apple_num)
price = mul_tax_layer.forward(apple_price, tax)

# backward
dapple_price, dtax = mul_tax_layer.backward(1)
dapple, dapple_num = mul_apple_layer.backward(dapple_price)

print(f"price: {price:g}")
print(f"dapple: {dapple:g}, dapple_num: {dapple_num:g}, dtax: {dtax:g}")
