//! sprig's encryption and password hashes. What Go draws at random comes from the context's stream.

use aes::Aes256;
use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD};
use blowfish::Blowfish;
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};
use sha1::Digest as _;

use crate::expr::budget::{Failure, Tools};
use crate::expr::functions::{Entry, Outcome, entry};

const BLOCK: usize = 16;
const BCRYPT_COST: u32 = 10;
/// Longer passwords are none to bcrypt.
const BCRYPT_MAX: usize = 72;
/// The last of a hash's 24 bytes is left out.
const BCRYPT_LENGTH: usize = 23;
const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);
/// What a hash costs of the budget: it takes about as long as so many steps.
const BCRYPT_STEPS: u64 = 500_000;

pub(super) const TABLE: &[Entry] = &[
    entry("encryptAES", 2, 2, |tools, a| {
        encrypt(tools, a.string(0)?, a.string(1)?)
    }),
    entry("decryptAES", 2, 2, |_, a| {
        decrypt(a.string(0)?, a.string(1)?)
    }),
    entry("bcrypt", 1, 1, |tools, a| {
        Ok(bcrypt_hash(tools, a.string(0)?)?.into())
    }),
    entry("htpasswd", 3, 3, |tools, a| {
        let (user, password) = (a.string(0)?, a.string(1)?);
        if user.contains(':') {
            return Ok(format!("invalid username: {user}").into());
        }
        let hash = match a.string(2)? {
            "sha" => {
                let sum = sha1::Sha1::digest(password);
                format!("{{SHA}}{}", STANDARD.encode(sum))
            }
            _ => bcrypt_hash(tools, password)?,
        };
        Ok(format!("{user}:{hash}").into())
    }),
];

/// The first 32 bytes of the password, filled up with zeros.
fn key(password: &str) -> [u8; 32] {
    let mut key = [0; 32];
    for (byte, given) in key.iter_mut().zip(password.bytes()) {
        *byte = given;
    }
    key
}

fn encrypt(tools: &Tools<'_>, password: &str, plain: &str) -> Outcome {
    if plain.is_empty() {
        return Ok("".into());
    }
    tools.grow_by(plain.len() + 2 * BLOCK, 2)?;
    let start = random_block(tools);
    let cipher = cbc::Encryptor::<Aes256>::new(&key(password).into(), &start.into());
    let mut out = start.to_vec();
    out.extend(cipher.encrypt_padded_vec_mut::<Pkcs7>(plain.as_bytes()));
    Ok(STANDARD.encode(out).into())
}

fn decrypt(password: &str, packed: &str) -> Outcome {
    if packed.is_empty() {
        return Ok("".into());
    }
    let bytes = STANDARD
        .decode(packed)
        .map_err(|error| Failure::Message(format!("illegal base64 data: {error}")))?;
    let Some((start, text)) = bytes.split_first_chunk::<BLOCK>() else {
        return Err("the encrypted text is too short".into());
    };
    let cipher = cbc::Decryptor::<Aes256>::new(&key(password).into(), start.into());
    let plain = cipher
        .decrypt_padded_vec_mut::<NoPadding>(text)
        .map_err(|_| Failure::from("the encrypted text is no whole number of blocks"))?;
    // The last byte says how many were added.
    let added = plain.last().copied().map_or(0, usize::from);
    let Some(plain) = plain.len().checked_sub(added).map(|end| &plain[..end]) else {
        return Err("the text can't be decrypted with this password".into());
    };
    Ok(String::from_utf8_lossy(plain).into_owned().into())
}

fn bcrypt_hash(tools: &Tools<'_>, password: &str) -> Result<String, Failure> {
    let failed = "failed to encrypt string with bcrypt";
    if password.len() > BCRYPT_MAX {
        return Ok(format!(
            "{failed}: bcrypt: password length exceeds {BCRYPT_MAX} bytes"
        ));
    }
    tools.work(BCRYPT_STEPS)?;
    let salt = random_block(tools);
    let hash = bcrypt(password, &salt);
    Ok(format!(
        "$2a${BCRYPT_COST}${}{}",
        BCRYPT_BASE64.encode(salt),
        BCRYPT_BASE64.encode(&hash[..BCRYPT_LENGTH])
    ))
}

/// bcrypt: a magic text, encrypted 64 times with a key that took long to make.
fn bcrypt(password: &str, salt: &[u8; BLOCK]) -> [u8; 24] {
    let mut key = password.as_bytes().to_vec();
    key.push(0);
    let mut state = <Blowfish>::bc_init_state();
    state.salted_expand_key(salt, &key);
    for _ in 0..1_u32 << BCRYPT_COST {
        state.bc_expand_key(&key);
        state.bc_expand_key(salt);
    }
    let mut hash = *b"OrpheanBeholderScryDoubt";
    for block in hash.chunks_exact_mut(8) {
        let word = |at: usize| {
            u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
        };
        let mut pair = [word(0), word(4)];
        for _ in 0..64 {
            pair = state.bc_encrypt(pair);
        }
        block[..4].copy_from_slice(&pair[0].to_be_bytes());
        block[4..].copy_from_slice(&pair[1].to_be_bytes());
    }
    hash
}

fn random_block(tools: &Tools<'_>) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for part in block.chunks_mut(8) {
        part.copy_from_slice(&tools.context.next_random().to_le_bytes()[..part.len()]);
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_bcrypt_does() {
        // What golang.org/x/crypto/bcrypt takes for the password `x`.
        let known = "$2a$10$y..1Vc4E4W/dODW1Pmnqy.uG/FsRUUKe047Zcn0H4esYXfJ/DXvju";
        let (salt, hash) = known[7..].split_at(22);
        let salt = BCRYPT_BASE64.decode(salt).expect("a salt");
        let salt: [u8; BLOCK] = salt.try_into().expect("16 bytes");
        let made = BCRYPT_BASE64.encode(&bcrypt("x", &salt)[..BCRYPT_LENGTH]);
        assert_eq!(made, hash);
    }
}
