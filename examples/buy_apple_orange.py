"""Two apples, three oranges and tax (the book, section 5.4.2).

Prints 715, then the derivatives 110 and 2.2 of the apples, 3.3 and 165 of the oranges, 650 of the tax.
"""

import argparse

from xpnet.layers import AddLayer, MulLayer

argparse.ArgumentParser(description=__doc__).parse_args()  # it takes nothing but --help

apple, apple_num, orange, orange_num, tax = 100, 2, 150, 3, 1.1

mul_apple_layer, mul_orange_layer, mul_tax_layer = MulLayer(), MulLayer(), MulLayer()
add_apple_orange_layer = AddLayer()

# forward
apple_price = mul_apple_layer.forward(apple, apple_num)
orange_price = mul_orange_layer.forward(orange, orange_num)
all_price = add_apple_orange_layer.forward(apple_price, orange_price)
price = mul_tax_layer.forward(all_price, tax)

# backward
dall_price, dtax = mul_tax_layer.backward(1)
dapple_price, dorange_price = add_apple_orange_layer.backward(dall_price)
dorange, dorange_num = mul_orange_layer.backward(dorange_price)
dapple, dapple_num = mul_apple_layer.backward(dapple_price)

print(f"price: {price:g}")
print(f"dapple_num: {dapple_num:g}, dapple: {dapple:g}")
print(f"dorange: {dorange:g}, dorange_num: {dorange_num:g}, dtax: {dtax:g}")
