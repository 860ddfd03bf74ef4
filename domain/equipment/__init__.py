"""What the program lends: the inventory of things with a serial number, and in whose hands each is (ON-D03, DP-07)."""

from domain.equipment import inventory as inventory
from domain.equipment import lending as lending
from domain.equipment.inventory import EquipmentInHand as EquipmentInHand
from domain.equipment.inventory import serial_key as serial_key
