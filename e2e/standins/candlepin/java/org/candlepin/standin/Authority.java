package org.candlepin.standin;

import java.io.IOException;
import java.io.Reader;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** The CA whose key signs the identity certificates of registered hosts. */
final class Authority {
    private static final int YEARS = 5; // candlepin.identityCert.yr.addendum

    private final PrivateKey key;
    private final X509Certificate certificate;

    record Identity(BigInteger serial, String key, String certificate, Instant created, Instant expires) {}

    Authority(String keyFile, String certificateFile) {
        key = privateKey(keyFile);
        certificate = certificate(certificateFile);
        try {
            byte[] probe = {1};
            Signature signature = Signature.getInstance(algorithm());
            signature.initSign(key);
            signature.update(probe);
            byte[] signed = signature.sign();
            signature.initVerify(certificate);
            signature.update(probe);
            if (!signature.verify(signed)) {
                throw new GeneralSecurityException("signature does not verify");
            }
        } catch (GeneralSecurityException e) {
            throw new Refusal("CA key " + keyFile + " and CA certificate " + certificateFile
                + " do not belong together: " + e.getMessage());
        }
    }

    Identity issue(String uuid, String owner) throws GeneralSecurityException, IOException, OperatorCreationException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        KeyPair pair = generator.generateKeyPair();
        Instant now = Instant.now();
        Instant expires = now.plus(365L * YEARS, ChronoUnit.DAYS);
        BigInteger serial = new BigInteger(63, new SecureRandom());
        JcaX509ExtensionUtils identifiers = new JcaX509ExtensionUtils();
        X509CertificateHolder issued = new JcaX509v3CertificateBuilder(
                new org.bouncycastle.cert.jcajce.JcaX509CertificateHolder(certificate).getSubject(),
                serial,
                Date.from(now.minus(1, ChronoUnit.HOURS)), // for clients whose clock is behind
                Date.from(expires),
                new X500NameBuilder().addRDN(BCStyle.O, owner).addRDN(BCStyle.CN, uuid).build(),
                pair.getPublic())
            .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
            .addExtension(Extension.keyUsage, true,
                new KeyUsage(KeyUsage.digitalSignature | KeyUsage.keyEncipherment | KeyUsage.dataEncipherment))
            .addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_clientAuth))
            .addExtension(Extension.authorityKeyIdentifier, false, identifiers.createAuthorityKeyIdentifier(certificate))
            .addExtension(Extension.subjectKeyIdentifier, false, identifiers.createSubjectKeyIdentifier(pair.getPublic()))
            .build(new JcaContentSignerBuilder(algorithm()).build(key));
        return new Identity(serial, pem(pair.getPrivate()), pem(issued), now, expires);
    }

    private String algorithm() {
        return key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
    }

    private static PrivateKey privateKey(String file) {
        Object found = parse("CA key", file);
        try {
            JcaPEMKeyConverter converter = new JcaPEMKeyConverter();
            if (found instanceof PEMKeyPair pair) {
                return converter.getPrivateKey(pair.getPrivateKeyInfo());
            }
            if (found instanceof PrivateKeyInfo info) {
                return converter.getPrivateKey(info);
            }
        } catch (IOException e) {
            throw new Refusal("CA key " + file + ": " + e.getMessage());
        }
        throw new Refusal("CA key " + file + " is not an unencrypted private key in PEM");
    }

    private static X509Certificate certificate(String file) {
        if (parse("CA certificate", file) instanceof X509CertificateHolder holder) {
            try {
                return new JcaX509CertificateConverter().getCertificate(holder);
            } catch (GeneralSecurityException e) {
                throw new Refusal("CA certificate " + file + ": " + e.getMessage());
            }
        }
        throw new Refusal("CA certificate " + file + " is not a certificate in PEM");
    }

    private static Object parse(String what, String file) {
        try (Reader reader = Files.newBufferedReader(Path.of(file)); PEMParser parser = new PEMParser(reader)) {
            return parser.readObject();
        } catch (IOException e) {
            throw new Refusal("cannot read " + what + " " + e.getMessage() + ": " + e.getClass().getSimpleName());
        }
    }

    private static String pem(Object object) throws IOException {
        StringWriter text = new StringWriter();
        try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
            writer.writeObject(object);
        }
        return text.toString();
    }
}
