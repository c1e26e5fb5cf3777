"""Wallets, the ledger, prices, holds, purchases and receipts."""
